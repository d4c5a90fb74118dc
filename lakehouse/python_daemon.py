"""The process that PySpark's Python workers are forked from, without the archives that Spark puts on their path.

Before each task PySpark has Python look anew at all that is on the path, and of an archive Python reads the whole
directory: of Spark's own jar and PySpark's zip, a tenth of a second. All that is in them is installed.
"""

import sys

sys.path[:] = [path for path in sys.path if not path.endswith((".jar", ".zip"))]

from pyspark.daemon import manager  # noqa: E402

if __name__ == "__main__":
    manager()
