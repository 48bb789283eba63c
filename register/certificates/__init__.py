"""The signed registration certificate (执业证): its code, its sheet, its signature, its editions.

Whether the registration it names is in force is never written into it: that is asked by its code.
"""

from register.certificates.making import (
    check_open_to_reissue,
    file_name,
    in_use,
    in_use_of,
    issue,
    of_person,
    reissue,
)

__all__ = ["check_open_to_reissue", "file_name", "in_use", "in_use_of", "issue", "of_person", "reissue"]
