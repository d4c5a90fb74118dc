"""The process that PySpark's Python workers are forked from, without the archives that Spark puts on their path.

Before each task PySpark has Python look anew at all that is on the path, or was when something was looked for there,
and of an archive Python reads the whole directory: of Spark's own jar and PySpark's zip, a tenth of a second. All that
is in them is installed.
"""

import sys

ARCHIVES = (".jar", ".zip")

sys.path[:] = [path for path in sys.path if not path.endswith(ARCHIVES)]
for path in [path for path in sys.path_importer_cache if path.endswith(ARCHIVES)]:  # this module was looked for there
    del sys.path_importer_cache[path]

from pyspark.daemon import manager  # noqa: E402

if __name__ == "__main__":
    manager()
