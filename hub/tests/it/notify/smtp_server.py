"""A mail server on a free port of this machine (aiosmtpd): TLS, sign-in, and each message as a file.

Arguments: mode (starttls, tls or plain), directory for messages, and with TLS certificate and key.
Prints its port. Mail to `nobody@` is refused, mail to `busy@` is put off.
"""

import asyncio
import pathlib
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

mode, folder = sys.argv[1], pathlib.Path(sys.argv[2])


class Keep:
    count = 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 no such user here"
        if address.startswith("busy@"):
            return "450 mailbox busy"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        Keep.count += 1
        part = folder / f"{Keep.count:03}.part"
        part.write_bytes(envelope.content)
        part.rename(folder / f"{Keep.count:03}.eml")
        return f"250 kept as {Keep.count}"


def check(server, session, envelope, mechanism, data):
    good = data.login == b"hub" and data.password == b"mail-password"
    return AuthResult(success=good, handled=good)


async def main():
    context = None
    if mode != "plain":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[3], sys.argv[4])
    options = {}
    if mode == "starttls":
        options = dict(tls_context=context, require_starttls=True)
    if mode != "plain":
        options.update(authenticator=check, auth_required=True)
    # Over TLS from the first byte the library does not know that the channel is safe.
    if mode == "tls":
        options.update(auth_require_tls=False)
    handler = Keep()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(handler, hostname="localhost", **options),
        "127.0.0.1",
        0,
        ssl=context if mode == "tls" else None,
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
