package gateway

import "slices"

// columnNames are the columns as the file names them, once a row has been read. A line of NDJSON is one cell.
func (t *Rows) columnNames() []string {
	if t.format == NDJSON {
		return []string{"row"}
	}
	return t.names
}

// joinColumns adds the columns of one more file to those of all files before it, and tells where each of its cells belongs.
// A name that a file has twice has two places.
func joinColumns(all, names []string) (wider []string, places []int) {
	wider, places = slices.Clone(all), make([]int, 0, len(names))
	for _, name := range names {
		at := slices.IndexFunc(wider, func(n string) bool { return n == name })
		for at >= 0 && slices.Contains(places, at) {
			if next := slices.Index(wider[at+1:], name); next >= 0 {
				at += 1 + next
			} else {
				at = -1
			}
		}
		if at < 0 {
			wider, at = append(wider, name), len(wider)
		}
		places = append(places, at)
	}
	return wider, places
}

// inPlace puts the cells of a row where their columns are. Cells beyond the header follow the last column.
func inPlace(cells []string, places []int) []string {
	if len(cells) == 0 || len(places) == 0 {
		return nil
	}
	out := make([]string, slices.Max(places)+1)
	for i, c := range cells {
		if i < len(places) {
			out[places[i]] = c
		} else {
			out = append(out, c)
		}
	}
	return out
}
