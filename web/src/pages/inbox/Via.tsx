import { Menu, UnstyledButton } from '@mantine/core'
import { IconCheck, IconChevronDown } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { ChannelIcon, useChannelName } from '../../ui/Channel'
import { useFormat } from '../../ui/format'
import { goesTo, useWayWords, type Way } from './ways'
import classes from './Composer.module.css'

type Props = { ways: Way[]; channel?: string; address?: string; pick: (channel: string, address?: string) => void }

/** On which channel it goes, what that costs and how far it reaches; and to which of the customer's addresses. */
export function Via({ ways, channel, address, pick }: Props) {
  const { t } = useTranslation(['inbox', 'common'])
  const name = useChannelName()
  const words = useWayWords()
  const format = useFormat()
  const { way, place } = goesTo(ways, channel, address)
  if (!way) return null
  const price = words.price(way)
  const until = words.window(place)
  return (
    <>
      <Menu position="top-start" width={330} withinPortal>
        <Menu.Target>
          <UnstyledButton className={classes.pick} aria-label={t('way.channel', { name: [name(way.channel), price].filter(Boolean).join(' ') })}>
            <ChannelIcon channel={way.channel} size={18} />
            <b>{name(way.channel)}</b>{' '}
            {price && <span className={classes.price}>{price}</span>}
            <IconChevronDown size={13} aria-hidden />
          </UnstyledButton>
        </Menu.Target>
        <Menu.Dropdown>
          {ways.map((w) => {
            const shut = w.addresses.every((p) => p.refused)
            return (
              <Menu.RadioItem key={w.channel} value={w.channel} checked={w === way} checkIcon={<IconCheck size={14} />} closeMenuOnClick disabled={shut && w !== way} onChange={() => pick(w.channel)}>
                <span className={classes.option}>
                  <ChannelIcon channel={w.channel} size={20} />
                  <span>
                    {name(w.channel)}
                    <small className={classes.about} data-shut={shut || undefined}>
                      {words.about(w)}
                    </small>
                  </span>
                </span>
              </Menu.RadioItem>
            )
          })}
        </Menu.Dropdown>
      </Menu>
      {way.addresses.length > 1 ? (
        <Menu position="top-start" width={300} withinPortal>
          <Menu.Target>
            <UnstyledButton className={classes.pick} data-to aria-label={t('way.to', { address: place?.address ?? '' })}>
              <span className={classes.address}>{place?.address}</span>
              <IconChevronDown size={13} aria-hidden />
            </UnstyledButton>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Label>{t('mail.to')}</Menu.Label>
            {way.addresses.map((p) => (
              <Menu.RadioItem key={p.address} value={p.address} checked={p === place} checkIcon={<IconCheck size={14} />} closeMenuOnClick disabled={!!p.refused && p !== place} onChange={() => pick(way.channel, p.address)}>
                <span className={classes.whole}>{p.address}</span>
                {p.refused && (
                  <small className={classes.about} data-shut>
                    {words.why(p.refused)}
                  </small>
                )}
              </Menu.RadioItem>
            ))}
          </Menu.Dropdown>
        </Menu>
      ) : (
        place && <span className={classes.address}>{place.address}</span>
      )}
      {until && place?.reply_until && <span className={classes.until} title={format.full(place.reply_until)}>{until}</span>}
    </>
  )
}
