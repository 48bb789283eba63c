from portal.urls_common import *  # noqa: F403
