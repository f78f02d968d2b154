"""Store: what replicas of the web process and workers share in Redis."""

from normviz.store.recordings import Keys, job_id, queue_name
from normviz.store.servers import Server

__all__ = ["Keys", "Server", "job_id", "queue_name"]
