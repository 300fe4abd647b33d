import { liquid } from '@codemirror/lang-liquid'
import { Decoration, EditorView, WidgetType } from '@codemirror/view'
import { basicSetup } from 'codemirror'
import { EditorState, StateEffect, StateField, type Text } from '@codemirror/state'
import { HighlightStyle, syntaxHighlighting } from '@codemirror/language'
import { tags } from '@lezer/highlight'
import { useEffect, useRef } from 'react'
import { useComputedColorScheme } from '@mantine/core'
import type { CodeProps } from './Code'
import type { Fault } from './faults'

const theme = (dark: boolean) =>
  EditorView.theme(
    {
      '&': { backgroundColor: 'transparent', color: 'inherit' },
      '.cm-gutters': { backgroundColor: 'transparent', border: '0', color: 'var(--r-soft)', fontSize: '12px' },
      '.cm-foldGutter': { display: 'none' },
      '.cm-activeLineGutter': { backgroundColor: 'transparent' },
      '.cm-activeLine': { backgroundColor: dark ? '#ffffff08' : '#00000006' },
      '.cm-cursor': { borderLeftColor: dark ? '#fff' : '#000' },
      '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': { backgroundColor: dark ? '#2f4680' : '#cfdcff' },
      '.cm-lineNumbers .cm-gutterElement': { padding: '0 8px 0 4px', minWidth: '28px' },
      '.cm-wrong': { backgroundColor: dark ? '#ff6b6b22' : '#fa525214' },
      '.cm-why': { padding: '2px 12px 4px', color: dark ? '#ffa8a8' : '#c92a2a', backgroundColor: dark ? '#ff6b6b22' : '#fa525214', fontFamily: 'var(--mantine-font-family)', fontSize: '13px', whiteSpace: 'normal' },
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

const setFaults = StateEffect.define<Fault[]>()

/** What is wrong, below the line that it is in; it moves with its line until the next word of the server. */
const faulty = StateField.define({
  create: () => Decoration.none,
  update: (shown, tr) => tr.effects.reduce((now, e) => (e.is(setFaults) ? marks(tr.newDoc, e.value) : now), shown.map(tr.changes)),
  provide: (f) => EditorView.decorations.from(f),
})

function marks(doc: Text, faults: Fault[]) {
  const placed = faults.filter((f) => f.line > 0)
  return Decoration.set(
    placed.flatMap((f) => {
      const line = doc.line(Math.min(f.line, doc.lines))
      return [Decoration.line({ class: 'cm-wrong' }).range(line.from), Decoration.widget({ widget: new Why(f.message), side: 1, block: true }).range(line.to)]
    }),
    true,
  )
}

class Why extends WidgetType {
  constructor(readonly message: string) {
    super()
  }
  override eq(other: Why) {
    return other.message === this.message
  }
  toDOM() {
    const box = document.createElement('div')
    box.className = 'cm-why'
    box.setAttribute('role', 'alert')
    box.textContent = this.message
    return box
  }
}

const none: Fault[] = []

export default function CodeMirror({ label, value, onChange, readOnly = false, faults = none }: CodeProps) {
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
          faulty,
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
  useEffect(() => view.current?.dispatch({ effects: setFaults.of(faults) }), [faults, dark, label, readOnly])
  return <div ref={box} />
}
