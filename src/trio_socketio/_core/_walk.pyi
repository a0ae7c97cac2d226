from typing import final

@final
class Walk: ...
