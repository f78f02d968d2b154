"""What visitors touch: the site, its controls, and the stage on which recordings play."""
