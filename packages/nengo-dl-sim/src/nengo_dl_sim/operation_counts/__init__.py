"""What a network costs in operations: NeuroBench's metrics, counted while it runs."""

from .energy import Energy as Energy
from .operation_counts import OperationCounts as OperationCounts
