"""The bus: carries events and other messages between nodes."""
