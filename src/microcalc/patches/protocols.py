"""The protocols by name."""

from __future__ import annotations

from microcalc.errors import check_known
from microcalc.patches.cortina import (
    CORTINA16,
    CORTINA16_WIDE,
    CORTINA32,
    CORTINA64,
    CORTINA224,
    CORTINA224_MARKED,
)
from microcalc.patches.kahnouei import KAHNOUEI224
from microcalc.patches.mracko import MRACKO674
from microcalc.patches.own import MICROCALC16, MICROCALC32, MICROCALC112
from microcalc.patches.pesapane import PESAPANE112
from microcalc.patches.protocol import Protocol
from microcalc.patches.terrassin import TERRASSIN512

PROTOCOLS: dict[str, Protocol] = {
    protocol.name: protocol
    for protocol in (
        MRACKO674,
        CORTINA224,
        CORTINA224_MARKED,
        CORTINA16,
        CORTINA16_WIDE,
        CORTINA32,
        CORTINA64,
        KAHNOUEI224,
        PESAPANE112,
        TERRASSIN512,
        MICROCALC16,
        MICROCALC32,
        MICROCALC112,
    )
}


def find_protocol(name: str) -> Protocol:
    """The protocol of a name.

    Raises:
        UsageError: there is none of it.
    """
    check_known("protocol", name, PROTOCOLS)
    return PROTOCOLS[name]
