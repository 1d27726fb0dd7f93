"""The crm dialect: the chat of a customer relationship system."""
