"""A stock mail server (aiosmtpd) that tells what it takes, as lines of JSON.

    mail_server.py [--certificate FILE --key FILE [--implicit]] [--sign-in USER:PASSWORD]

What the receiver's address begins with says what goes wrong:
    refused-  is refused for good
    busy-     is refused for now, the first time
    cut-      the connection ends in the middle of the mail, the first time
    lost-     the mail is taken, but the answer does not arrive, the first time
    stall-    nothing is answered, the first time
    slow-     is answered after a second
"""

import argparse
import asyncio
import json
import ssl
import sys
from email import message_from_bytes, policy

from aiosmtpd.smtp import SMTP, AuthResult

parser = argparse.ArgumentParser()
parser.add_argument("--certificate")
parser.add_argument("--key")
parser.add_argument("--implicit", action="store_true")
parser.add_argument("--sign-in")
options = parser.parse_args()


def tell(**what):
    print(json.dumps(what), flush=True)


class Handler:
    """Takes mails, or does what their receivers' addresses say."""

    def __init__(self):
        self.met = set()

    def is_first(self, address):
        """Whether a receiver is met for the first time."""
        is_new = address not in self.met
        self.met.add(address)
        return is_new

    async def handle_RCPT(self, server, session, envelope, address, _options):
        if address.startswith("refused-"):
            return "550 5.1.1 There is no such person"
        if address.startswith("busy-") and self.is_first(address):
            return "451 4.3.0 Try again later"
        envelope.rcpt_tos.append(address)
        return "250 So far"

    async def handle_DATA(self, server, session, envelope):
        [to] = envelope.rcpt_tos
        if to.startswith("stall-") and self.is_first(to):
            tell(stalls=to)
            await asyncio.sleep(3600)
        if to.startswith("slow-"):
            await asyncio.sleep(1)
        message = message_from_bytes(envelope.content, policy=policy.default)
        tell(
            to=to,
            sender=envelope.mail_from,
            headers={name.lower(): str(value) for name, value in message.items()},
            kind=message.get_content_type(),
            parts=[part.get_content_type() for part in message.iter_parts()],
            text=message.get_body(("plain",)).get_content(),
            html=message.get_body(("html",)).get_content(),
            is_encrypted=options.implicit or session.ssl is not None,
            user=session.auth_data.decode() if session.authenticated else None,
        )
        if to.startswith("lost-") and self.is_first(to):
            server.transport.abort()
        return "250 Taken"


class Server(SMTP):
    """Ends connections in the middle of a mail where it should."""

    async def smtp_DATA(self, arg):
        [to] = self.envelope.rcpt_tos
        if not to.startswith("cut-") or not self.event_handler.is_first(to):
            return await super().smtp_DATA(arg)
        await self.push("354 Go on")
        await self._reader.readline()
        self.transport.abort()


def authenticate(server, session, envelope, mechanism, data):
    """Knows the one who may sign in."""
    given = f"{data.login.decode()}:{data.password.decode()}"
    is_known = given == options.sign_in
    return AuthResult(success=is_known, handled=False, auth_data=data.login)


context = None
if options.certificate:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(options.certificate, options.key)

handler = Handler()


def protocol():
    starts_tls = context is not None and not options.implicit
    return Server(
        handler,
        hostname="sink",
        loop=asyncio.get_running_loop(),
        tls_context=context if starts_tls else None,
        require_starttls=starts_tls,
        authenticator=authenticate if options.sign_in else None,
        auth_required=options.sign_in is not None,
        auth_require_tls=starts_tls,
    )


async def main():
    """Serves until the test ends it."""
    server = await asyncio.get_running_loop().create_server(
        protocol, "127.0.0.1", 0, ssl=context if options.implicit else None
    )
    tell(port=server.sockets[0].getsockname()[1])
    await server.serve_forever()


try:
    asyncio.run(main())
except KeyboardInterrupt:
    sys.exit()
