/** No master answered: a matter of the network or of time, worth another try later. */
export class MasterUnreachable extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'MasterUnreachable'
  }
}
