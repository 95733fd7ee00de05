"""What moves a judge that should not? One file a probe."""

from judgefair.probes._probing import Probed, is_moved, probe, read_probes
from judgefair.probes._trial import CannotProbe, Material, Trial, Version

__all__ = ["CannotProbe", "Material", "Probed", "Trial", "Version", "is_moved", "probe", "read_probes"]
