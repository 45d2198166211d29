/** The world's clients, as they introduce themselves. */
import { type Client, TOOLS } from './realistic-tools.ts'

const ENCODINGS = ['gzip, deflate', 'gzip, deflate, br', 'gzip, deflate, br, zstd']
const HTML = 'text/html,application/xhtml+xml,application/xml;q=0.9'

function chromium(version: number, brand: string, system: string): Client {
  const agent = `Mozilla/5.0 (${system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${version}.0.0.0 Safari/537.36`
  const brands = `"Not/A)Brand";v="8", "Chromium";v="${version}", "${brand}";v="${version}"`
  const hints = [`sec-ch-ua: ${brands}`, 'sec-ch-ua-mobile: ?0', 'sec-ch-ua-platform: "Linux"']
  return {
    name: `${brand} ${version}`,
    lines: [
      ...['Connection: keep-alive', 'Cache-Control: max-age=0'],
      ...(version >= 89 ? hints : []),
      'Upgrade-Insecure-Requests: 1',
      `User-Agent: ${agent}${brand === 'Microsoft Edge' ? ` Edg/${version}.0.0.0` : ''}`,
      `Accept: ${HTML},image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7`,
      ...['Sec-Fetch-Site: none', 'Sec-Fetch-Mode: navigate', 'Sec-Fetch-User: ?1'],
      'Sec-Fetch-Dest: document',
      `Accept-Encoding: ${ENCODINGS[version >= 123 ? 2 : 1]}`,
      'Accept-Language: de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7',
      ...(version >= 124 ? ['Priority: u=0, i'] : []),
    ],
  }
}

function firefox(version: number): Client {
  return {
    name: `Firefox ${version}`,
    lines: [
      `User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:${version}.0) Gecko/20100101 Firefox/${version}.0`,
      `Accept: ${HTML},image/avif,image/webp,*/*;q=0.8`,
      'Accept-Language: en-US,en;q=0.5',
      `Accept-Encoding: ${ENCODINGS[version >= 126 ? 2 : 1]}`,
      ...['DNT: 1', 'Sec-GPC: 1', 'Connection: keep-alive', 'Upgrade-Insecure-Requests: 1'],
      ...['Sec-Fetch-Dest: document', 'Sec-Fetch-Mode: navigate', 'Sec-Fetch-Site: cross-site'],
      ...(version >= 128 ? ['Priority: u=0, i'] : []),
      ...['Pragma: no-cache', 'Cache-Control: no-cache'],
    ],
  }
}

function safari(version: string, system: string): Client {
  const agent = `Mozilla/5.0 (${system}) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/${version} Safari/605.1.15`
  return {
    name: `Safari ${version}`,
    lines: [
      ...['Upgrade-Insecure-Requests: 1', `Accept: ${HTML},*/*;q=0.8`, `User-Agent: ${agent}`],
      ...['Accept-Language: fr-FR,fr;q=0.9', `Accept-Encoding: ${ENCODINGS[1]}`],
      'Connection: keep-alive',
    ],
  }
}

export const CLIENTS: readonly Client[] = [
  ...[70, 80, 90, 100, 110, 120, 131].map((version) =>
    chromium(version, 'Google Chrome', 'Windows NT 10.0; Win64; x64'),
  ),
  ...[95, 119].map((version) => chromium(version, 'Microsoft Edge', 'Windows NT 10.0; Win64; x64')),
  chromium(118, 'Opera', 'X11; Linux x86_64'),
  ...[60, 78, 91, 102, 115, 121, 133].map(firefox),
  ...['13.1', '15.6', '17.2'].map((version) =>
    safari(version, 'Macintosh; Intel Mac OS X 10_15_7'),
  ),
  safari('16.5', 'iPhone; CPU iPhone OS 16_5 like Mac OS X'),
  ...TOOLS,
]
