"""A local OpenNeuro: GraphQL API, objects endpoint and S3 bucket, in one process on loopback.

    with sandbox.serve("some/folder") as server:
        server.api, server.bucket    # for --api and --bucket
        server.requests.of("s3.get") # {"ds000011/sub-01/anat/sub-01_T1w.nii.gz": 1}

It serves any folder of BIDS datasets, answers as the real service does (statuses, messages, cursors,
digests, version ids), and misbehaves only when told to: a `Fault` changes what goes over the wire, an
`Archive` of one's own what the server believes.
"""

from allbrains.sandbox.archive import Archive
from allbrains.sandbox.sandbox_server import Sandbox, application, serve
from allbrains.sandbox.traffic import Fault, Requests, Visit

__all__ = ["Archive", "Fault", "Requests", "Sandbox", "Visit", "application", "serve"]
