"""Scale kinds, one file each; each file names its class SCALE."""
