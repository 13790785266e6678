"""The same upload by azure-storage-blob's asynchronous client: URL COUNT BYTES WIDTH. Tells its seconds in one line of
JSON on stdout; WEIR_BENCH_KEY holds the account's key."""
import asyncio
import json
import os
import sys
import time

from azure.storage.blob.aio import ContainerClient


def name(i):
    day, minute = divmod(i * 5, 24 * 60)
    return ("WorkspaceResourceId=/subscriptions/0a1b2c3d-0000-1111-2222-333344445555/resourcegroups/soc/providers/"
            "microsoft.operationalinsights/workspaces/contoso/"
            f"y=2022/m=01/d={day + 1:02}/h={minute // 60:02}/m={minute % 60:02}/PT05M_weir.json")


async def main(url, count, size, width):
    body, numbers = b"x" * size, iter(range(count))
    async with ContainerClient(url, "am-commonsecuritylog", credential=os.environ["WEIR_BENCH_KEY"]) as container:
        async def work():
            for i in numbers:
                await container.upload_blob(name(i), body, length=size, metadata={"weir": "1"})
        begin = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(width)))
        print(json.dumps({"blobs": count, "seconds": time.perf_counter() - begin}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], *map(int, sys.argv[2:])))
