"""The simulated machine that schemes act on: pages, nodes, swap, and what touching them costs."""
