"""moto, an emulator of AWS, over TLS: SES, STS and IAM, which checks signatures and permissions.

Started by `e2e::Moto` with one argument, a JSON object:

  ready           file to write {"port", "accessKeyId", "secretAccessKey", "role", "session"} to once all is set up;
                  session {"AccessKeyId", "SecretAccessKey", "Token", "Expiration"}: credentials of the role
  journal         file to append one JSON object a line to: requests
  certificate     PEM chain;  key: PEM key;  ca: PEM root
  sender          the domain or address that mail may be sent from
  externalId      what the role's trust policy asks for
  unauthenticated how many requests are answered without a look at who signed them: moto does not know that
                  AssumeRoleWithWebIdentity is unsigned

There are a user `mail`, who may do nothing but assume the role `mailer` and send, and that role, which may send.
"""

import json
import os
import sys
from threading import Thread

import boto3
import requests
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

REGION = "us-east-1"


class Journaled:
    """The application, with a line for every request written before its answer is."""

    def __init__(self, app, path):
        self._app = app
        self._file = open(path, "a", encoding="utf-8")

    def __call__(self, environ, start_response):
        def answered(status, headers, *more):
            event = {
                "event": "request",
                "host": environ.get("HTTP_HOST", ""),
                "path": environ.get("PATH_INFO", ""),
                "authorization": environ.get("HTTP_AUTHORIZATION"),
                "status": int(status.split(" ")[0]),
            }
            print(json.dumps(event), file=self._file, flush=True)
            return start_response(status, headers, *more)

        return self._app(environ, answered)


def policy(action, **more):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, **more}]})


def set_up(options, endpoint):
    def client(service):
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=endpoint,
            verify=options["ca"],
            aws_access_key_id="setup",
            aws_secret_access_key="setup",
        )

    client("sesv2").create_email_identity(EmailIdentity=options["sender"])
    iam = client("iam")
    user = iam.create_user(UserName="mail")["User"]
    may_send = policy("ses:SendEmail", Resource="*")
    iam.put_user_policy(UserName="mail", PolicyName="send", PolicyDocument=may_send)
    trust = policy(
        "sts:AssumeRole",
        Principal={"AWS": user["Arn"]},
        Condition={"StringEquals": {"sts:ExternalId": options["externalId"]}},
    )
    role = iam.create_role(RoleName="mailer", AssumeRolePolicyDocument=trust)["Role"]
    iam.put_role_policy(RoleName="mailer", PolicyName="send", PolicyDocument=may_send)
    may_assume = policy("sts:AssumeRole", Resource=role["Arn"])
    iam.put_user_policy(UserName="mail", PolicyName="assume", PolicyDocument=may_assume)
    key = iam.create_access_key(UserName="mail")["AccessKey"]
    assumed = client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="container")["Credentials"]
    return {
        "accessKeyId": key["AccessKeyId"],
        "secretAccessKey": key["SecretAccessKey"],
        "role": role["Arn"],
        "session": {
            "AccessKeyId": assumed["AccessKeyId"],
            "SecretAccessKey": assumed["SecretAccessKey"],
            "Token": assumed["SessionToken"],
            "Expiration": assumed["Expiration"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        },
    }


def main(options):
    # Not what the environment of whoever runs the tests says.
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    app = DomainDispatcherApplication(create_backend_app)
    server = make_server(
        "127.0.0.1",
        0,
        Journaled(app, options["journal"]),
        threaded=True,
        ssl_context=(options["certificate"], options["key"]),
        request_handler=MotoRequestHandler,
    )
    serving = Thread(target=server.serve_forever, daemon=True)
    serving.start()
    endpoint = f"https://localhost:{server.server_port}"
    ready = {"port": server.server_port, **set_up(options, endpoint)}
    # From here on moto checks who asks, and whether they may.
    unauthenticated = str(options["unauthenticated"])
    requests.post(f"{endpoint}/moto-api/reset-auth", data=unauthenticated, verify=options["ca"]).raise_for_status()
    # Written aside and renamed, so that a reader sees all of it or nothing.
    with open(options["ready"] + ".part", "w", encoding="utf-8") as part:
        json.dump(ready, part)
    os.rename(options["ready"] + ".part", options["ready"])
    serving.join()


main(json.loads(sys.argv[1]))
