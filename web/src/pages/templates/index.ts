export { Templates } from './Templates'
export { Editor } from './Editor'
