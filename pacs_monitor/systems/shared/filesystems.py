"""Which mounted file systems are hidden by default: those without a disk of their own, and those that are always
full."""

from __future__ import annotations

IMAGES = frozenset({"squashfs", "iso9660", "udf", "erofs", "cramfs", "romfs"}) | {
    f"fuse.{kind}" for kind in ("squashfuse", "squashfuse_ll", "snapfuse", "fuseiso")
}
"""Full and read-only by nature; AppImages, too, each of which brings a type of its own (`fuse.NAME.AppImage`)."""
PSEUDO = frozenset(
    {
        "tmpfs",
        "ramfs",
        "devtmpfs",
        "overlay",
        "nsfs",
        "efivarfs",
        "rootfs",
        "autofs",
        "fusectl",
        "hugetlbfs",
        "fuse.portal",
    }
    | {"fuse.lxcfs", "fuse.gvfsd-fuse"}
)
"""They stand on no disk, or on that of another."""
OF_CONTAINERS = frozenset({"/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/dev/termination-log"})
"""Files that the runtime of a container mounts into it; their volume is the disk of the host."""


def is_image(kind: str) -> bool:
    return kind in IMAGES or kind.lower().endswith("appimage")


def is_hidden(kind: str, mount: str, *, pseudo: bool = False) -> bool:
    """Whether a mount is left out unless it is named; `pseudo` shows what stands on no disk."""
    return is_image(kind) or mount in OF_CONTAINERS or (kind in PSEUDO and not pseudo)
