/** A map that keeps what was asked for last, and forgets the rest. */
export class Recent extends Map {
  constructor(most) {
    super();
    this.most = most;
  }

  get(name) {
    const value = super.get(name);
    if (this.delete(name)) super.set(name, value);
    return value;
  }

  set(name, value) {
    this.delete(name);
    super.set(name, value);
    if (this.size > this.most) this.delete(this.keys().next().value);
    return this;
  }
}
