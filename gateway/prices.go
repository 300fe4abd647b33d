package gateway

import (
	"math"

	"rapport"
)

// Prices are what messages cost, in minor units of one currency: a message; on SMS a segment.
type Prices struct {
	Currency string // ISO 4217
	Minor    map[rapport.Channel]float64
}

// micros is what so many units cost, in millionths of a minor unit.
func (p Prices) micros(ch rapport.Channel, units int) int64 {
	return int64(math.Round(p.Minor[ch]*1e6)) * int64(units)
}

// Currency is that of all costs, "" where there are no prices.
func (g *Gateway) Currency() string { return g.set.Prices.Currency }
