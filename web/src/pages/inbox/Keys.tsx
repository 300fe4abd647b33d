import { Kbd, Modal, SimpleGrid } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useFocusBack } from '../../ui/focus-back'
import classes from './Inbox.module.css'

const groups = [
  ['move', [['j', 'next'], ['k', 'previous'], ['g', 'newest'], ['/', 'search'], ['i', 'panel'], ['Esc', 'close']]],
  ['do', [['e', 'resolve'], ['Shift E', 'resolveStay'], ['h', 'snooze'], ['a', 'assign'], ['m', 'mine'], ['l', 'label'], ['p', 'priority'], ['u', 'unread'], ['x', 'choose']]],
  ['write', [['r', 'reply'], ['n', 'note'], ['c', 'begin'], ['f', 'attach'], ['Mod Enter', 'send'], ['/', 'canned'], ['@', 'mention']]],
] as const

/** All keys of the inbox on one page. */
export function Keys({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  useFocusBack()
  const { t } = useTranslation(['inbox', 'common'])
  const mod = /Mac/.test(navigator.platform) ? '⌘' : 'Ctrl'
  return (
    <Modal opened={opened} onClose={onClose} title={t('keys.title')} size="lg" closeButtonProps={{ 'aria-label': t('common:close') }}>
      <SimpleGrid cols={{ base: 1, sm: 3 }}>
        {groups.map(([group, keys]) => (
          <section key={group}>
            <h3 className={classes.keysHead}>{t(`keys.${group}`)}</h3>
            <dl className={classes.keys}>
              {keys.map(([key, word]) => (
                <div key={word}>
                  <dt>{t(`keys.${word}`)}</dt>
                  <dd>
                    {key.split(' ').map((k) => (
                      <Kbd key={k} size="xs">
                        {k === 'Mod' ? mod : k}
                      </Kbd>
                    ))}
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </SimpleGrid>
    </Modal>
  )
}
