"""Keep TensorFlow's notes about the machine out of the way of what users print."""

import os

# TensorFlow looks at this when it is imported. Warnings and errors are still shown.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
