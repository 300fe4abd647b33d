import { Anchor } from '@mantine/core'

/** Text with its web addresses as links; nothing in it is ever HTML. */
export function Linked({ text }: { text: string }) {
  return text.split(/(https?:\/\/[^\s<>"]+)/).map((piece, i) =>
    i % 2 ? (
      <Anchor key={i} href={piece} target="_blank" rel="noreferrer" inherit underline="always">
        {piece.length > 44 ? `${piece.slice(0, 41)}…` : piece}
      </Anchor>
    ) : (
      piece
    ),
  )
}
