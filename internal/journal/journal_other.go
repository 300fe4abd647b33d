//go:build !linux

package journal

import (
	"errors"
	"os"
)

// Supported tells whether this system can keep a journal. Without one, all that a dead process had claimed is in doubt.
const Supported = false

var errUnsupported = errors.New("journals need Linux: its boot id tells whether they can be believed")

func lock(*os.File) error                  { return errUnsupported }
func mapped(*os.File, int) ([]byte, error) { return nil, errUnsupported }
func unmap([]byte) error                   { return nil }
func bootID() (string, error)              { return "", errUnsupported }
