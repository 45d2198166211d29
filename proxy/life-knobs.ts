import { duration, number, port, text, texts } from '../shared/knob.ts'

/** What can be set about the processes of a proxy, and about TLS. */
export const lifeKnobs = {
  handoverGraceMs: duration({
    flag: 'handover-grace',
    fallback: 600_000,
    meaning: 'How long connections may last after another process took over; then they are cut.',
  }),
  processes: number(
    { min: 1, max: 64, unit: 'count' },
    {
      flag: 'processes',
      fallback: 1,
      meaning: 'Processes that carry the traffic; each is a proxy of its own to the master.',
    },
  ),
  tlsPort: port<number | undefined>({
    flag: 'tls-port',
    fallback: undefined,
    meaning: 'Port the traffic comes in on over TLS; without it there is none.',
  }),
  tlsCerts: texts({
    flag: 'tls-cert',
    fallback: [],
    meaning: 'Files with a certificate and its chain (PEM); the first is for clients without SNI.',
  }),
  tlsKeys: texts({
    flag: 'tls-key',
    fallback: [],
    meaning: 'Files with their private keys (PEM), in the same order.',
  }),
  tlsDir: text<string | undefined>({
    flag: 'tls-dir',
    fallback: undefined,
    meaning: 'Folder with further ones: NAME.crt and NAME.key, or NAME/{fullchain,privkey}.pem.',
  }),
  tlsLookMs: duration(
    {
      flag: 'tls-look-every',
      fallback: 2_000,
      meaning: 'How often the files of certificates are looked at for changes.',
    },
    { minMs: 50 },
  ),
}
