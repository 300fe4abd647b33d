import { liquid } from '@codemirror/lang-liquid'
import { EditorView } from '@codemirror/view'
import { basicSetup } from 'codemirror'
import { EditorState } from '@codemirror/state'
import { HighlightStyle, syntaxHighlighting } from '@codemirror/language'
import { tags } from '@lezer/highlight'
import { useEffect, useRef } from 'react'
import { useComputedColorScheme } from '@mantine/core'
import type { CodeProps } from './Code'

const theme = (dark: boolean) =>
  EditorView.theme(
    {
      '&': { backgroundColor: 'transparent', color: 'inherit' },
      '.cm-gutters': { display: 'none' },
      '.cm-activeLine': { backgroundColor: dark ? '#ffffff08' : '#00000006' },
      '.cm-cursor': { borderLeftColor: dark ? '#fff' : '#000' },
      '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': { backgroundColor: dark ? '#2f4680' : '#cfdcff' },
      '.cm-tooltip': { border: '1px solid var(--r-line)', backgroundColor: 'var(--r-raised)' },
    },
    { dark },
  )

/** Liquid stands out; the HTML around it is quiet. */
const colours = (dark: boolean) =>
  syntaxHighlighting(
    HighlightStyle.define([
      { tag: [tags.keyword, tags.controlKeyword, tags.operatorKeyword], color: dark ? '#d2a8ff' : '#7c2bbd' },
      { tag: [tags.brace, tags.special(tags.variableName)], color: dark ? '#d2a8ff' : '#7c2bbd' },
      { tag: [tags.variableName, tags.propertyName, tags.function(tags.variableName)], color: dark ? '#93a7f3' : '#2541a6' },
      { tag: [tags.string, tags.attributeValue, tags.number], color: dark ? '#7ee0b8' : '#0b6b50' },
      { tag: [tags.tagName, tags.angleBracket], color: dark ? '#8b95a9' : '#5b6478' },
      { tag: tags.attributeName, color: dark ? '#e0b57e' : '#8a4a00' },
      { tag: tags.comment, color: dark ? '#8b95a9' : '#5b6478', fontStyle: 'italic' },
    ]),
  )

export default function CodeMirror({ label, value, onChange, readOnly = false }: CodeProps) {
  const box = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView | null>(null)
  const told = useRef(onChange)
  const first = useRef(value)
  const dark = useComputedColorScheme() === 'dark'
  useEffect(() => {
    told.current = onChange
    first.current = value
  })
  useEffect(() => {
    const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? ''
    const editor = new EditorView({
      parent: box.current!,
      state: EditorState.create({
        doc: first.current,
        extensions: [
          EditorView.cspNonce.of(nonce),
          basicSetup,
          liquid(),
          colours(dark),
          theme(dark),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ 'aria-label': label, spellcheck: 'false', tabindex: '0' }),
          EditorState.readOnly.of(readOnly),
          EditorView.editable.of(!readOnly),
          EditorView.updateListener.of((u) => u.docChanged && told.current(u.state.doc.toString())),
        ],
      }),
    })
    view.current = editor
    return () => editor.destroy()
  }, [dark, label, readOnly])
  useEffect(() => {
    const editor = view.current
    // From outside: an older version that was taken back, a change of language.
    if (editor && editor.state.doc.toString() !== value) editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } })
  }, [value])
  return <div ref={box} />
}
