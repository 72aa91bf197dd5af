"""The exit: brings ppp0 up and keeps it up."""
