"""The lab: everything that computes with torch.  The front never imports it; specs go in, frames come out."""
