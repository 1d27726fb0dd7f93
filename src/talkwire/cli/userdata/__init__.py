"""The commands that erase and export the data of one user or conversation."""
