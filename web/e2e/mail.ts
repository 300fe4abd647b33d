import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'

/** A mail server that takes everything: what it was sent, as text, quoted-printable undone. */
export async function mailServer(): Promise<{ port: number; mails: string[]; close: () => void }> {
  const mails: string[] = []
  const server = createServer((socket) => {
    let inData = false
    let text = ''
    socket.setEncoding('utf8')
    socket.on('error', () => {}) // the other side may go whenever it likes
    socket.write('220 mail.shop.example ESMTP\r\n')
    socket.on('data', (chunk: string) => {
      text += chunk
      for (;;) {
        const end = text.indexOf(inData ? '\r\n.\r\n' : '\r\n')
        if (end < 0) return
        const piece = text.slice(0, end)
        text = text.slice(end + (inData ? 5 : 2))
        if (inData) {
          inData = false
          mails.push(piece.replace(/=\r\n/g, '').replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))))
          socket.write('250 taken\r\n')
        } else if (/^DATA/i.test(piece)) {
          inData = true
          socket.write('354 go on\r\n')
        } else if (/^QUIT/i.test(piece)) socket.end('221 bye\r\n')
        else socket.write('250 ok\r\n')
      }
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return { port: (server.address() as AddressInfo).port, mails, close: () => server.close() }
}
