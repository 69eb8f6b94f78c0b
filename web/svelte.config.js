// Short names for scoped styles: each of them is in the script as often as there are elements.
export default { compilerOptions: { runes: true, discloseVersion: false, cssHash: ({ hash, css }) => `s${hash(css).slice(0, 4)}` } };
