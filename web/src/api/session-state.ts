/** The token and the way out that requests need; the session hook keeps them true. */
let token = ''
let leave = () => {}

export const csrfToken = () => token
export const keepCsrf = (csrf: string) => void (token = csrf)
export const onSignedOut = (fn: () => void) => void (leave = fn)
export const signedOut = () => leave()
