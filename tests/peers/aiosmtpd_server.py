"""An SMTP server on aiosmtpd whose misbehaviour a test can order.

Started by `e2e::Aiosmtpd` with one argument, a JSON object:

  ready        file to write {"port": n} to once connections are taken
  journal      file to append one JSON object a line to: connections and messages
  certificate  PEM chain;  key: PEM key;  weak: whether OpenSSL has to be told to take such a short one
  users        {"user": "password"}, or null: no AUTH is offered
  starttls     "required" | "offered" | "off"
  smtputf8     whether SMTPUTF8 is offered
  idleTimeout  seconds after which a silent connection is closed
  refused      {"address": "550 …"}: what RCPT answers for that address, every time
  once, always {"MAIL" | "RCPT" | "DATA": "451 …"}: what the step answers the first time, or every time
  afterData    "answer" | "silent" | "hang-up": what follows a message that was taken
"""

import asyncio
import base64
import hmac
import json
import os
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult


class Journal:
    """What happened, a line each, flushed before the client hears of it."""

    def __init__(self, path):
        self._file = open(path, "a", encoding="utf-8")

    def write(self, **event):
        print(json.dumps(event), file=self._file, flush=True)


class Handler:
    def __init__(self, options, journal):
        self._options = options
        self._journal = journal
        self._once = dict(options["once"])

    def _ordered(self, server, step):
        """The reply a test ordered for this step, if any is due. After a 421 the connection is closed, as RFC 5321 says."""
        reply = self._once.pop(step, None) or self._options["always"].get(step)
        if reply and reply.startswith("421"):
            server.loop.call_soon(server.transport.close)
        return reply

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        if self._options["users"] is None:
            return [line for line in responses if not line.startswith("250-AUTH")]
        return responses

    async def handle_MAIL(self, server, session, envelope, address, options):
        if reply := self._ordered(server, "MAIL"):
            return reply
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Sender accepted"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if reply := self._options["refused"].get(address) or self._ordered(server, "RCPT"):
            return reply
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Recipient accepted"

    async def handle_DATA(self, server, session, envelope):
        if reply := self._ordered(server, "DATA"):
            return reply
        self._journal.write(
            event="mail",
            **{"from": envelope.mail_from},
            to=envelope.rcpt_tos,
            content=base64.b64encode(envelope.original_content).decode("ascii"),
            helo=session.host_name,
            tls=session.ssl is not None,
            user=session.auth_data if session.authenticated else None,
            mechanism=getattr(session, "mechanism", None),
            parameters=envelope.mail_options,
        )
        match self._options["afterData"]:
            case "silent":
                # Ends when the client gives up and closes the connection: aiosmtpd then cancels this.
                await asyncio.Event().wait()
            case "hang-up":
                server.transport.close()
                await asyncio.Event().wait()
        return "250 2.0.0 Message taken"


def authenticator(users):
    def check(server, session, envelope, mechanism, data):
        user, password = data.login.decode("utf-8"), data.password
        expected = users.get(user)
        if expected is None or not hmac.compare_digest(expected.encode("utf-8"), password):
            # handled=False: aiosmtpd answers 535 itself. With True it answers nothing and the client waits for ever.
            return AuthResult(success=False, handled=False)
        session.mechanism = mechanism
        return AuthResult(success=True, auth_data=user)

    return check


async def serve(options):
    context = None
    if options["starttls"] != "off":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        if options["weak"]:
            context.set_ciphers("DEFAULT@SECLEVEL=0")
        context.load_cert_chain(options["certificate"], options["key"])
    users = options["users"]
    journal = Journal(options["journal"])
    handler = Handler(options, journal)
    loop = asyncio.get_running_loop()

    def connection():
        journal.write(event="connection")
        return SMTP(
            handler,
            loop=loop,
            hostname="mail.example.test",
            enable_SMTPUTF8=options["smtputf8"],
            tls_context=context,
            require_starttls=options["starttls"] == "required",
            timeout=options["idleTimeout"],
            auth_required=users is not None,
            auth_require_tls=context is not None,
            authenticator=authenticator(users or {}),
        )

    server = await loop.create_server(connection, "127.0.0.1", 0)
    # Written aside and renamed, so that a reader sees all of it or nothing.
    with open(options["ready"] + ".part", "w", encoding="utf-8") as part:
        json.dump({"port": server.sockets[0].getsockname()[1]}, part)
    os.rename(options["ready"] + ".part", options["ready"])
    await server.serve_forever()


asyncio.run(serve(json.loads(sys.argv[1])))
