"""What plans a step: simplifications, planners and sorters of operators."""
