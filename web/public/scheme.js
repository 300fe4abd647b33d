// Before the first paint: light or dark, as chosen or as the system says. A file, because the policy allows no inline code.
;(function () {
  var chosen = null
  try {
    chosen = localStorage.getItem('rapport-scheme')
  } catch {
    // storage is off: the system decides
  }
  var dark = chosen === 'dark' || (chosen !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.setAttribute('data-mantine-color-scheme', dark ? 'dark' : 'light')
})()
