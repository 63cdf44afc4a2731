"""What landed, by trade: symbols, bars, rows with their lineage, and the history of one trade; reads only."""
