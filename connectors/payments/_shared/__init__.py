"""What connectors to payment gateways have in common."""
