"""What botocore makes of a request to SES: the signature it would have, and what its description of the API finds wrong.

One argument, a JSON object: method, url, path, headers (those that are signed), body, keyId, secret, token or null, region.
Prints {"authorization": "…", "faults": "…"}; no faults are an empty text.
"""

import json
import sys

import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.validate import ParamValidator


def authorization(order):
    headers = {name.title(): value for name, value in order["headers"].items()}
    request = AWSRequest(method=order["method"], url=order["url"], headers=headers, data=order["body"].encode("utf-8"))
    request.context["timestamp"] = headers["X-Amz-Date"]
    auth = SigV4Auth(Credentials(order["keyId"], order["secret"], order["token"]), "ses", order["region"])
    canonical = auth.canonical_request(request)
    signature = auth.signature(auth.string_to_sign(request, canonical), request)
    signed = auth.signed_headers(auth.headers_to_sign(request))
    return f"AWS4-HMAC-SHA256 Credential={auth.scope(request)}, SignedHeaders={signed}, Signature={signature}"


def faults(order):
    operation = botocore.session.get_session().get_service_model("sesv2").operation_model("SendEmail")
    assert (operation.http["method"], operation.http["requestUri"]) == (order["method"], order["path"])
    return ParamValidator().validate(json.loads(order["body"]), operation.input_shape).generate_report()


def main(order):
    print(json.dumps({"authorization": authorization(order), "faults": faults(order)}))


main(json.loads(sys.argv[1]))
