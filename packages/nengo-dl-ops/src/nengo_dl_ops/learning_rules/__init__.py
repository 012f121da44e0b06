"""Rules that change weights while a simulation runs: one file a rule."""

# Importing a module is what registers its builder.
from .base import LearningRuleBuilder as LearningRuleBuilder
from .bcm import SimBCMBuilder as SimBCMBuilder
from .oja import SimOjaBuilder as SimOjaBuilder
from .pes import SimPESBuilder as SimPESBuilder
from .pes_factors import SimPESFactors as SimPESFactors
from .pes_factors import SimPESFactorsBuilder as SimPESFactorsBuilder
from .rls import SimRLSBuilder as SimRLSBuilder
from .voja import SimScaledVoja as SimScaledVoja
from .voja import SimVojaBuilder as SimVojaBuilder
