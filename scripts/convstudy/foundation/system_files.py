"""Names that are no data: what systems, disk stations and tools leave in folders and archives."""

# Written by systems that do not tell upper from lower case, in either.
_IN_ANY_CASE = {
    *("thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini"),  # Windows
    *("$recycle.bin", "system volume information"),
    *("icon\r", "__macosx", "network trash folder", "temporary items"),  # macOS
}
_AS_WRITTEN = {
    *("RECYCLER", "lost+found"),  # Windows XP; file systems of Linux
    *("@eaDir", "@tmp", "#recycle", "#snapshot"),  # disk stations of Synology
    *("@Recycle", "@Recently-Snapshot", "~snapshot"),  # of QNAP and NetApp
}


def is_system_file(name: str) -> bool:
    """Tell whether a file is hidden or a system's own, or lies in such a folder.

    Args:
        name: "folder/file", relative to the folder or archive that was given as data. Names that
            start with a dot are hidden: `.DS_Store`, `._1.png`, `.Trash-1000`,
            `.ipynb_checkpoints`.
    """
    return any(
        part.startswith(".") or part in _AS_WRITTEN or part.lower() in _IN_ANY_CASE
        for part in name.split("/")
    )
