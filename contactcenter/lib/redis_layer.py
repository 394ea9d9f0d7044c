"""The channel layer over Redis, its messages as JSON: nothing else is sent, and orjson is faster than msgpack."""

from __future__ import annotations

import orjson
from channels_redis.pubsub import RedisPubSubChannelLayer
from channels_redis.serializers import BaseMessageSerializer, registry

from contactcenter.lib import fast_json


class FastJsonSerializer(BaseMessageSerializer):
    """What is read may be off by what a browser would lose, too: numbers beyond 64 bits come as floats."""

    as_bytes = staticmethod(fast_json.dumps)
    from_bytes = staticmethod(orjson.loads)


registry.register_serializer("fast_json", FastJsonSerializer)


class RedisChannelLayer(RedisPubSubChannelLayer):
    """As it comes, but with our serializer there for settings to name: ``serializer_format`` "fast_json"."""
