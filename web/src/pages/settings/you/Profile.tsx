import { Group, SegmentedControl, Select, Stack, Text, useMantineColorScheme, type MantineColorScheme } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { client } from '../../../api/client'
import { need } from '../../../api/pages'
import { sessionQuery, useSession, type Session } from '../../../api/session'
import { languages, speak, type Language } from '../../../i18n'
import { Face } from '../../../ui/Face'
import { Page } from '../../../ui/Page'
import { useAct } from '../kit/act'
import { Block } from '../kit/Block'
import { useWords } from '../kit/words'
import { ChangePassword } from './ChangePassword'
import { Codes } from './Codes'
import { Sessions } from './Sessions'

/** Who one is, how the app looks, and how one signs in. */
export default function Profile() {
  const { t, word } = useWords()
  const { agent } = useSession()
  return (
    <Page title={t('sections.profile')}>
      <Block title={t('profile.you')} about={t('profile.youAbout')}>
        <Group wrap="nowrap">
          <Face name={agent.name} size={44} />
          <div>
            <Text fw={600}>{agent.name}</Text>
            <Text size="sm" c="dimmed">
              {agent.email} · {word('roles', agent.role)}
            </Text>
          </div>
        </Group>
      </Block>
      <Look />
      <ChangePassword />
      <Codes />
      <Sessions />
    </Page>
  )
}

function Look() {
  const { t, i18n } = useWords()
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  const queries = useQueryClient()
  const keep = useAct((locale: string) => need(client.PATCH('/v1/agents/me', { body: { locale } })), {
    then: (me) => queries.setQueryData(sessionQuery.queryKey, (s: Session | null | undefined) => s && { ...s, agent: { ...s.agent, locale: me.locale } }),
  })
  return (
    <Block title={t('look.title')} about={t('look.about')}>
      <Stack>
        <div>
          <Text size="sm" fw={500} mb={4} id="scheme">
            {t('look.scheme')}
          </Text>
          <SegmentedControl aria-labelledby="scheme" value={colorScheme} onChange={(v) => setColorScheme(v as MantineColorScheme)} data={[{ value: 'light', label: t('look.light') }, { value: 'dark', label: t('look.dark') }, { value: 'auto', label: t('look.auto') }]} />
        </div>
        <Select
          label={t('look.language')}
          maw={280}
          allowDeselect={false}
          value={i18n.language}
          data={Object.entries(languages).map(([value, label]) => ({ value, label }))}
          onChange={(l) => {
            if (!l) return
            void speak(l as Language)
            keep.mutate(l)
          }}
        />
      </Stack>
    </Block>
  )
}
