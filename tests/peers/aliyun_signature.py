"""The signatures that Alibaba Cloud's own SDK gives RPC requests.

One argument, a JSON object: secret, requests [{method, parameters (without Signature)}]. Prints the signatures, a list.
"""

import json
import sys

from aliyunsdkcore.auth.composer import rpc_signature_composer as composer

# The SDK signs only requests whose nonce and time it has chosen itself; the two steps that do the work are its own secret.
compose = getattr(composer, "__compose_string_to_sign")
sign = getattr(composer, "__get_signature")

order = json.loads(sys.argv[1])
strings = [compose(request["method"], request["parameters"]) for request in order["requests"]]
print(json.dumps([sign(string, order["secret"]) for string in strings]))
