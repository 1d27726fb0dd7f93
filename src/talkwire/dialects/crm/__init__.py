"""The `crm` dialect: the chat of a customer relationship management system."""
