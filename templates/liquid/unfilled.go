package liquid

// Unfilled stands for a value that is missing, as the text that is to be seen in its place. Whatever is selected from
// it, and whatever a filter makes of it or with it, is the same text; only default takes it for nothing. A loop over
// it, a condition on it and a tag that needs a number of it print it instead of what they hold.
//
// As an error it is how a tag that cannot go on without the value says so: see run.block.
type Unfilled string

func (u Unfilled) Error() string { return string(u) }

// unfilledOf is the first argument that is missing.
func (f *filterCall) unfilledOf(c *Call, args []any) (u Unfilled, ok bool) {
	for _, a := range args {
		if u, ok = a.(Unfilled); ok {
			return u, true
		}
	}
	for _, k := range c.keywords {
		if u, ok = k.value.(Unfilled); ok {
			return u, true
		}
	}
	return "", false
}

// lacks notes that what stands for a missing value was printed.
func (r *run) lacks(u Unfilled) error {
	r.unfilled++
	return r.printPlain(string(u))
}
