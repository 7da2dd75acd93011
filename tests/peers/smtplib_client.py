"""Sends one message with Python's own smtplib: a client that is not ours, to prove the test servers with.

One argument, a JSON object: host, port, tls ("none" | "starttls" | "implicit"), ca, user?, password?, mechanism?, from, to (list),
message. Prints one JSON object: {"capabilities": [...], "error": null | {"step", "code", "text"}}.
"""

import json
import smtplib
import ssl
import sys


def main(order):
    context = ssl.create_default_context(cafile=order["ca"])
    capabilities = []
    step = "connect"
    try:
        if order["tls"] == "implicit":
            client = smtplib.SMTP_SSL(order["host"], order["port"], timeout=20, context=context)
        else:
            client = smtplib.SMTP(order["host"], order["port"], timeout=20)
        with client:
            if order["tls"] == "starttls":
                step = "starttls"
                client.starttls(context=context)
            client.ehlo_or_helo_if_needed()
            capabilities = sorted(" ".join([name.upper(), *value.split()]) for name, value in client.esmtp_features.items())
            if order.get("user"):
                step = "auth"
                authenticate(client, order)
            step = "send"
            client.sendmail(order["from"], order["to"], order["message"].encode("utf-8"))
        error = None
    except smtplib.SMTPRecipientsRefused as refused:
        code, text = next(iter(refused.recipients.values()))
        error = {"step": step, "code": code, "text": text.decode("utf-8", "replace")}
    except smtplib.SMTPResponseException as response:
        text = response.smtp_error
        error = {"step": step, "code": response.smtp_code, "text": text if isinstance(text, str) else text.decode("utf-8", "replace")}
    except (smtplib.SMTPException, OSError) as other:
        error = {"step": step, "code": None, "text": f"{type(other).__name__}: {other}"}
    print(json.dumps({"capabilities": capabilities, "error": error}))


def authenticate(client, order):
    client.user, client.password = order["user"], order["password"]
    match order.get("mechanism"):
        case None:
            client.login(client.user, client.password)
        case "PLAIN":
            client.auth("PLAIN", client.auth_plain)
        case "LOGIN":
            client.auth("LOGIN", client.auth_login)
        case "CRAM-MD5":
            client.auth("CRAM-MD5", client.auth_cram_md5)
        case "XOAUTH2":
            # The token is sent with the command; a challenge means a refusal, which an empty line acknowledges.
            token = f"user={client.user}\x01auth=Bearer {client.password}\x01\x01"
            client.auth("XOAUTH2", lambda challenge=None: token if challenge is None else "")


main(json.loads(sys.argv[1]))
